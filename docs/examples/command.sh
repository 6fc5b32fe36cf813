volcv generate "a red fox in fresh snow" --local -o fox -p width=640 -p height=360 -p seed=7
printf 'title\tprompt\nFox\ta red fox\nSea\t"calm", said the sea\n' > prompts.tsv
volcv run prompts.tsv --local -o out --model GeneralV14
head -n 1 out/metadata.jsonl

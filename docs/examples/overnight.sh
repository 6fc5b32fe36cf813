seq -f 'postcard number %g' 1 60 > prompts.txt
volcv run prompts.txt --local -o out --rate 20 --concurrency 8 -p width=256 -p height=256
volcv run prompts.txt --local -o out -p width=256 -p height=256

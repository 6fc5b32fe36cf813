printf 'a red fox\n千军万马\n' > prompts.txt
volcv run prompts.txt --local --repeat 3 -o out 2> /dev/null
ls out

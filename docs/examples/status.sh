printf 'a fox\na lighthouse\na hare\n' > prompts.txt
volcv run prompts.txt --local -o out > report.txt
volcv status out
volcv status out --json 2> sums.txt | head -n 1

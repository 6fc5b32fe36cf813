seq -f 'postcard number %g' 1 60 > prompts.txt
volcv run prompts.txt --local -o out --rate 20 -p width=256 -p height=256 & run=$!
until [ "$(ls out/images 2> out.log | wc -l)" -ge 10 ]; do sleep 0.1; done
kill -9 $run
volcv run prompts.txt --local -o out --rate 60 -p width=256 -p height=256 || echo "exit code $?"
volcv run prompts.txt --local -o out --in-doubt retry -p width=256 -p height=256

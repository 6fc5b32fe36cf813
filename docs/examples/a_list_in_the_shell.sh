cat > prompts.txt <<END
# a comment, skipped
a red fox in fresh snow
a lighthouse at dusk, light sweeping over the sea
雨后的江南小巷
END
volcv run prompts.txt --local -o out
ls out out/images

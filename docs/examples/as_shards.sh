printf 'prompt\tanimal\na red fox\tfox\na hare at dawn\thare\n' > prompts.tsv
volcv run prompts.tsv --local -o out > report.txt
volcv export out --webdataset shards
cat > train.py <<END
from datasets import load_dataset

pictures = load_dataset("webdataset", data_files="shards/*.tar", split="train", streaming=True)
for picture in sorted(pictures, key=lambda picture: picture["txt"]):
    print(picture["txt"], "|", picture["json"]["animal"], "|", picture["png"].size)
END
python train.py

"""The gallery in a real browser, opened from the disk: quick, quiet, and of use by keys alone."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from chromium_of_tests import Tab, chromium, needs_chromium
from pictures_of_tests import picture

from volcv_async.cli.app import app
from volcv_async.job import draw_gallery

NASTY = 'it\'s </script><img src=x onerror=alert(1)> <!-- \u2028 "$HOME" `ls`\n-- 千军万马'
MANY = 3000


def gallery(folder: Path) -> str:
    """Draw the gallery of many rows, three a prompt, over one picture; give its address."""
    (folder / "images").mkdir()
    (folder / "images" / "000000.png").write_bytes(picture())
    rows = [row(number) for number in range(MANY)]
    for one in rows[1:]:
        (folder / one["file_name"]).hardlink_to(folder / "images" / "000000.png")
    (folder / "metadata.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    failed = {**row(9), "index": MANY, "message": "Refused.", "error": "QuotaError"}
    del failed["file_name"]
    (folder / "failed.jsonl").write_text(json.dumps(failed) + "\n")
    return draw_gallery(folder).as_uri()


def row(number: int) -> dict[str, Any]:
    prompt = NASTY if number < 3 else f"a fox, number {number // 3}"
    request = {"req_key": "high_aes_general_v21_L", "prompt": prompt, "seed": number, "width": 512}
    return {
        "file_name": f"images/{number:06d}.png",
        "prompt": prompt,
        "request": request,
        "model": "GeneralV21",
        "width": 8,
        "height": 8,
        "seed": number,
        "style": "oil" if number % 2 else "ink",
    }


async def cards(tab: Tab) -> int:
    number: int = await tab.run("document.querySelectorAll('figure').length")
    return number


async def typed(tab: Tab, name: str, text: str, event: str = "input") -> str:
    """Type or choose something in the bar; give what the page counts."""
    script = (
        f"{name}.value = {json.dumps(text)}; "
        f"{name}.dispatchEvent(new Event({json.dumps(event)}, {{bubbles: true}})); "
        "get('count').textContent"
    )
    count: str = await tab.run(script)
    return count


@needs_chromium
async def test_a_gallery_is_used_in_a_browser(tmp_path: Path) -> None:
    """Search, filter, sort, side by side, one picture large, keys: all from the disk, no error."""
    async with chromium() as tab:
        await tab.open(gallery(tmp_path))
        await it_shows_a_few_and_counts_all(tab)
        await it_shows_all_on_the_way_to_the_end_and_holds_a_few(tab)
        await it_searches_and_filters(tab)
        await it_begins_at_the_top_again(tab)
        await it_sorts(tab)
        await it_lays_one_prompt_side_by_side(tab)
        await it_shows_one_large(tab)
        await it_gives_the_command_that_makes_it_again(tab)
        await it_is_used_by_keys(tab)
        assert await tab.run("document.querySelectorAll('img[src=x]').length") == 0
        asked = [one["request"]["url"] for one in tab.told_of("Network.requestWillBeSent")]
    assert all(url.startswith(("file:", "data:")) for url in asked)
    wrong = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    assert tab.told_of(*wrong) == []


COLUMNS: list[dict[str, Any]] = [
    {"name": "Ann", "state": "Ohio", "score": "9", "constructor": "c", "id": 2**60 + 1},
    {"name": "Bob", "state": "Utah", "score": "10.5", "__proto__": "p", "command": "go"},
    {"name": "Cyd", "state": "Iowa", "score": "-1"},
]


async def chosen(tab: Tab, column: str, typed_in: str) -> list[str]:
    """Filter by a column; give the names of the pictures that are left."""
    await typed(tab, "get('column')", column, "change")
    await typed(tab, "get('value')", typed_in)
    names: list[str] = await tab.run(
        "[...document.querySelectorAll('.mat')].map((one) => one.hash.slice(1))"
    )
    return names


@needs_chromium
async def test_a_list_may_have_columns_of_any_name(tmp_path: Path) -> None:
    """What the page calls so itself stands in nobody's way, and no number is rounded."""
    rows = [json.dumps(row(number + 3) | more) for number, more in enumerate(COLUMNS)]
    (tmp_path / "metadata.jsonl").write_text("\n".join(rows) + "\n")
    async with chromium() as tab:
        await tab.open(draw_gallery(tmp_path).as_uri())
        for column, typed_in, found in [
            *[("name", "ann", ["000003"]), ("state", "utah", ["000004"]), ("command", "volcv", [])],
            *[("constructor", "native", []), ("constructor", "c", ["000003"])],
            *[("__proto__", "{", []), ("__proto__", "p", ["000004"])],
            *[("score", ">=9", ["000003", "000004"]), ("score", "<0", ["000005"])],
            *[("id", str(2**60 + 1), ["000003"]), ("id", ">5", ["000003"])],
        ]:
            assert await chosen(tab, column, typed_in) == found, (column, typed_in)
        await typed(tab, "get('column')", "", "change")
        assert await it_is_sorted(tab, "score") == ["000005", "000003", "000004"]
        await tab.run("get('down').click()")
        assert await it_is_sorted(tab, "id") == ["000003", "000004", "000005"]
        await tab.run("location.hash = '#000004'")
        assert await tab.run(comes("000004")) == "000004"
        known = await tab.run("get('facts').textContent")
        assert "statedone" in known
        assert "state in the listUtah" in known
        assert "__proto__p" in known
    assert tab.told_of("Runtime.exceptionThrown") == []


async def it_is_sorted(tab: Tab, column: str) -> list[str]:
    await typed(tab, "get('sort')", column)
    names: list[str] = await tab.run(
        "[...document.querySelectorAll('.mat')].map((one) => one.hash.slice(1))"
    )
    return names


async def it_shows_a_few_and_counts_all(tab: Tab) -> None:
    assert await tab.run("get('count').textContent") == "3,001"
    assert 0 < await cards(tab) < 1000
    assert await tab.run("document.querySelector('figure .prompt').textContent") == NASTY
    assert await tab.run("document.querySelector('figure .prompt').lang") == "zh"
    loaded = "document.querySelector('img').decode().then(() => true)"
    assert await tab.run(loaded)


SCROLL = """(async () => {
    const seen = new Set(), end = () => document.documentElement.scrollHeight - innerHeight - 4;
    let most = 0;
    for (;;) {
        const cards = [...document.querySelectorAll('.mat')];
        most = Math.max(most, cards.length);
        for (const card of cards) seen.add(card.hash);
        const images = cards.map((card) => card.querySelector('img')).filter((one) => one?.src);
        const come = images.filter((one) => one.complete && one.currentSrc);
        if (come.some((one) => !one.naturalWidth)) return 'broken';
        if (scrollY >= end() && seen.has('#003000%20failed')) break;
        scrollBy(0, 1800);
        await new Promise(requestAnimationFrame);
    }
    scrollTo(0, 0);
    while (!document.querySelector('[href="#000000"]')) await new Promise(requestAnimationFrame);
    return [seen.size, most];
})()"""


async def it_shows_all_on_the_way_to_the_end_and_holds_a_few(tab: Tab) -> None:
    """Every card comes, no picture is broken, and what lies far behind is let go."""
    seen, most = await tab.run(SCROLL)
    assert seen == MANY + 1
    assert most < 1000


async def it_searches_and_filters(tab: Tab) -> None:
    assert await typed(tab, "words", "NUMBER 77 fox") == "57 of 3,001"  # 19 numbers have 77 in them
    assert await cards(tab) == 57
    assert await typed(tab, "words", "nothing like it") == "0 of 3,001"
    assert await tab.run("get('pictures').textContent") == "Nothing matches."
    assert await typed(tab, "words", "") == "3,001"
    assert await typed(tab, "get('state')", "failed") == "1 of 3,001"
    assert await tab.run("document.querySelector('.why').textContent") == "failed: Refused."
    await typed(tab, "get('state')", "")
    await typed(tab, "get('column')", "seed", "change")
    assert await typed(tab, "get('value')", "<10") == "11 of 3,001"
    assert await tab.run("get('column').querySelector('optgroup').textContent") == "style"
    await typed(tab, "get('column')", "style", "change")
    assert await typed(tab, "get('value')", "oil") == "1,501 of 3,001"
    assert await tab.run("[...get('values').options].map((one) => one.value)") == ["ink", "oil"]
    await typed(tab, "get('column')", "", "change")
    assert await typed(tab, "get('column')", "") == "3,001"


async def it_begins_at_the_top_again(tab: Tab) -> None:
    """Whoever searches far down sees the first of what was found."""
    await tab.run("scrollTo(0, 1e9)")
    assert await typed(tab, "words", "fox") == "2,998 of 3,001"
    assert await tab.run("document.querySelector('.mat').getBoundingClientRect().top") > 0
    assert await tab.run("document.querySelector('.mat').hash") == "#000003"
    await typed(tab, "words", "")


async def it_sorts(tab: Tab) -> None:
    await typed(tab, "get('sort')", "seed")
    await tab.run("get('down').click()")
    first = "document.querySelector('.mat').hash"
    assert await tab.run(first) == "#002999"
    await tab.run("get('down').click()")
    await typed(tab, "get('sort')", "")
    assert await tab.run(first) == "#000000"


async def it_lays_one_prompt_side_by_side(tab: Tab) -> None:
    await tab.run("get('beside').click()")
    group = "document.querySelector('.group')"
    assert await tab.run(f"{group}.querySelectorAll('figure').length") == 3
    assert await tab.run(f"{group}.querySelector('h2').textContent") == NASTY
    await tab.run("get('beside').click()")


async def it_shows_one_large(tab: Tab) -> None:
    await tab.run("document.querySelector('.mat').click(); new Promise(requestAnimationFrame)")
    assert await tab.run("large.open")
    assert await tab.run("get('large-prompt').textContent") == NASTY
    known = await tab.run("get('facts').textContent")
    assert "styleink" in known
    assert "width8" in known
    assert "width asked for512" in known
    assert await tab.run("get('strip').children.length") == 3
    assert await tab.run("get('before').disabled")


async def it_gives_the_command_that_makes_it_again(tab: Tab) -> None:
    """What stands there, read by the shell and by the command itself, is what was sent."""
    words = shlex.split(await tab.run("get('command').textContent"))
    assert words[0] == "volcv"
    _, bound, _ = app.parse_args(words[1:], exit_on_error=False, print_error=False)
    assert bound.arguments["prompt"] == NASTY
    assert bound.arguments["fields"] == ("width=512", "seed=0")
    assert bound.arguments["out"] == Path("again-000000")


def comes(name: str) -> str:
    """Wait, for some hundred frames at the most, until a picture is the large one; say which is."""
    return f"""new Promise((done) => {{
        let frames = 300;
        const look = () => {{
            const shown = get('large-name').textContent;
            if (shown === '{name}' || !frames--) done(shown); else requestAnimationFrame(look);
        }};
        look();
    }})"""


async def it_closes(tab: Tab) -> None:
    await tab.press("Escape")
    await tab.run(
        "(async () => { while (large.open || location.hash) "
        "await new Promise(requestAnimationFrame); })()"
    )


async def it_comes_back_to_the_card_of(tab: Tab, name: str) -> None:
    """However far it is from where the page was."""
    await tab.run(f"location.hash = '#{name}'")
    assert await tab.run(comes(name)) == name
    await it_closes(tab)
    assert await tab.run("document.activeElement.hash") == f"#{name}"


async def it_is_used_by_keys(tab: Tab) -> None:
    await tab.press("ArrowRight")
    assert await tab.run(comes("000001")) == "000001"
    await tab.press("ArrowLeft")
    assert await tab.run(comes("000000")) == "000000"
    for far in ("002500", "000000"):
        await it_comes_back_to_the_card_of(tab, far)
    await tab.press("ArrowRight")
    assert await tab.run("document.activeElement.hash") == "#000001"
    await tab.press("ArrowDown")
    assert await tab.run("document.activeElement.getBoundingClientRect().left") == await tab.run(
        "document.querySelectorAll('.mat')[1].getBoundingClientRect().left"
    )
    await tab.press("/", "/")
    assert await tab.run("document.activeElement.id + words.value") == "words"
    assert await typed(tab, "words", "number 999") == "3 of 3,001"
    await tab.press("Escape")
    assert await tab.run("get('count').textContent + words.value") == "3,001"

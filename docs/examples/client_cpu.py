"""Take the CPU time of your own calls: what each of them costs this process."""

import asyncio
import time

import volcv_async as volcv


async def main() -> None:
    requests = (volcv.GeneralV21(prompt=f"postcard {number}", width=256) for number in range(20))
    async with volcv.Client(limits=volcv.Limits(concurrency=8)) as client:
        used = time.process_time()
        outcomes = await client.generate_many(requests)
        used = time.process_time() - used
    print(f"{len(outcomes)} calls, {1e3 * used / len(outcomes):.2f} ms of CPU each")


asyncio.run(main())

echo 'pytest_plugins = ["volcv_async.testing"]' > conftest.py
python -m pytest -q -o asyncio_mode=auto -o asyncio_default_fixture_loop_scope=function test_postcards.py

"""What one request costs in calls of functions, step by step, held against a recorded figure.

    python -m benchmarks.hot_path [--record] [--markdown FILE] [--instructions]

Calls are counted and not timed, so that nothing else that a machine does can spoil the figures: a
change that makes a step a tenth dearer fails, and the message names the step. Its rooms, each in
front of those that it calls::

    __main__     the command: what is dearer, and the exit code
      measuring    the server, and a process for each thing that is looked at
        worker       such a process
          scene        a client that does the same in each run
          counting     what is called, and where time is spent
            steps        whose a call is; pure
      judging      what is dearer than was recorded; pure
      figures      what was found, and what was recorded, as JSON
      pages        how it reads in the documentation

"""

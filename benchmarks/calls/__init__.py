"""Client CPU a call, against scripts written by hand and other clients.

Its rooms, each in front of those that it calls::

    part         what ``python -m benchmarks`` calls
      measuring    rounds, in which they take turns
        programme    who takes part in which scene
        stage        the server, and a process for each contender; ``processes``
          server       answers with ``samples``, on one core
          worker       is one of ``contenders``, on the other
        rounds       turns, ratios, medians; arithmetic
      figures      what it came to
      bars         what it may come to
      table        how it reads in a terminal
      pages        how it reads in the documentation

"""

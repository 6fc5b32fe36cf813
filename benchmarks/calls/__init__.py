"""Client CPU a call, against scripts written by hand and other clients.

processes   the server and a worker for each contender, on cores of their own
programme   who takes part in which scene
measuring   rounds in which they take turns
figures     what that came to
table       how it reads
"""

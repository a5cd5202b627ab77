"""Objects as the Oxford Common File Layout 1.1 keeps them: readable with nothing of ours.

``inventory``  what an object holds at each version, and the next version of it
``layout``     where an object stands below the storage root
``backend``    what a storage root must do: in a folder (``local``), in a bucket (``bucket``)
``disk``       the few calls that change files, each with what it leaves on disk
``writer``     a new version, whole or not at all; damage mended from a copy
``reader``     an object at any of its versions
``check``      every fault of a store, named by the specification's code
"""

"""horovodrun of a Horovod that was built for no framework: it looks for an extension of one to learn whether Gloo was built
in, but workers that are no Python need none."""
import sys

import horovod.runner.launch as launch

if __name__ == '__main__':
    launch.gloo_built = lambda verbose=False: True
    launch.mpi_built = lambda verbose=False: False
    sys.exit(launch.run_commandline())

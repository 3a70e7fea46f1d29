// mpi-allreduce ONE LARGE: milliseconds of MPI_Allreduce of 1 MB and of 25 MB, made so often, as a line of JSON.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int byValue(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/** Sorted. */
static double *measure(int megabytes, int times) {
  int count = megabytes * 262144;
  float *values = malloc(sizeof(float) * count);
  double *ms = malloc(sizeof(double) * times);
  for (int i = 0; i < count; i++) values[i] = 0;
  for (int i = -2; i < times; i++) {
    MPI_Barrier(MPI_COMM_WORLD);
    double start = MPI_Wtime();
    MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    if (i >= 0) ms[i] = (MPI_Wtime() - start) * 1e3;
  }
  qsort(ms, times, sizeof(double), byValue);
  free(values);
  return ms;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int rank;
  MPI_Init(NULL, NULL);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const char *line = "{\"1 MB\":{\"median\":%f,\"least\":%f},\"25 MB\":{\"median\":%f,\"least\":%f}}\n";
  int ones = atoi(argv[1]), larges = atoi(argv[2]);
  double *one = measure(1, ones), *large = measure(25, larges);
  if (rank == 0) printf(line, one[ones / 2], one[0], large[larges / 2], large[0]);
  MPI_Finalize();
  return 0;
}

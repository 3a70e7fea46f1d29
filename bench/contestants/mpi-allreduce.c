// Milliseconds of MPI_Allreduce. As a library: of one, for mpi-allreduce.mjs. As a program, mpi-allreduce TIMES: the median of
// so many of 1 MB, as a line of JSON.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

/** An array that nobody writes but MPI. */
float *zeros(int count) {
  return calloc(count, sizeof(float));
}

/** After a barrier. */
double allreduceMs(float *values, int count) {
  MPI_Barrier(MPI_COMM_WORLD);
  double start = MPI_Wtime();
  MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
  return (MPI_Wtime() - start) * 1e3;
}

static int byValue(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  int rank, times = atoi(argv[1]), count = 262144;
  MPI_Init(NULL, NULL);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  float *values = zeros(count);
  double *ms = malloc(sizeof(double) * times);
  for (int i = -times; i < times; i++) {
    double each = allreduceMs(values, count);
    if (i >= 0) ms[i] = each;
  }
  qsort(ms, times, sizeof(double), byValue);
  if (rank == 0) printf("{\"ms\":%f}\n", ms[times / 2]);
  MPI_Finalize();
  return 0;
}

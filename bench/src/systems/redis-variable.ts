/** Says the processes of the benchmark where Redis is. */
export const redisVariable = 'TASKING_BENCH_REDIS'

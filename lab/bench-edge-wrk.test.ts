// What wrk prints, as numbers.
import { expect, test } from 'vitest';
import { readWrk } from './bench-edge-wrk.ts';

const CLEAN = `Running 2s test @ https://app.hoge.com:9443/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.10ms    1.02ms  21.50ms   80.00%
    Req/Sec    10.80k     5.83k   23.54k    80.00%
  11163 requests in 1.11s, 1.59MB read
Requests/sec:  10086.86
Transfer/sec:      1.43MB
`;

test.each([
  ['a clean run', CLEAN, { done: 11163, failed: 0 }],
  [
    'one with failures of every kind',
    CLEAN.replace(
      'Requests/sec',
      '  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 50\nRequests/sec',
    ),
    { done: 11163, failed: 60 },
  ],
  ['nothing', '', { done: 0, failed: 0 }],
])('of %s', (_title, printed, expected) => {
  expect(readWrk(printed)).toEqual(expected);
});

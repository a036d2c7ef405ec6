// Lines as nginx 1.22 and 1.30 wrote them, and what visitors can make of them.
import { expect, test } from 'vitest';
import { failedRequests } from './failed-requests.ts';

const AT = '2026/11/23 06:10:11 [error] 4242#4242: *17';
const REQUEST = 'request: "GET / HTTP/1.1"';
const HOME = { address: '10.100.1.1', port: 8080 };

test.each([
  `${AT} connect() failed (111: Connection refused) while connecting to upstream, client: 198.51.100.1, server: kokoa, ${REQUEST}, upstream: "http://10.100.1.1:8080/", host: "a.test"`,
  `${AT} upstream timed out (110: Connection timed out) while reading response header from upstream, client: 2001:db8::1, server: kokoa, ${REQUEST}, upstream: "https://10.100.1.1:8080/x?y", host: "a.test"`,
  `${AT} upstream prematurely closed connection while reading response header from upstream, client: 198.51.100.1, server: , ${REQUEST}, subrequest: "/kokoa-login", upstream: "grpc://10.100.1.1:8080", host: "a.test", referrer: "https://b.test/"`,
  `${AT} connect() failed (113: No route to host) while connecting to upstream, client: 198.51.100.1, server: 0.0.0.0:2222, upstream: "10.100.1.1:8080", bytes from/to client:0/0, bytes from/to upstream:0/0`,
  `${AT} recv() failed (111: Connection refused) while proxying and reading from upstream, udp client: 198.51.100.1, server: 0.0.0.0:5353, upstream: "10.100.1.1:8080", bytes from/to client:4/0, bytes from/to upstream:0/4`,
  `${AT.replace('error', 'crit')} SSL_do_handshake() failed (SSL: error:0A000438) while SSL handshaking to upstream, client: 198.51.100.1, server: kokoa, ${REQUEST}, upstream: "https://10.100.1.1:8080/", host: "a.test"`,
])('names the backend: %s', (line) => {
  expect(failedRequests(`cut line\n${line}\n${line}\n2026/11/23 06:1`)).toEqual([HOME, HOME]);
});

test.each([
  '',
  'upstream: "http://10.100.1.1:8080/"',
  // Somebody else's fault, with a request that looks like a backend's.
  `${AT} client sent invalid host header while reading client request headers, client: 198.51.100.1, server: kokoa, request: "GET /, upstream: "http://10.100.1.1:8080/" HTTP/1.1"`,
  `${AT} access forbidden by rule, client: 198.51.100.1, server: kokoa, ${REQUEST}, host: "a.test", referrer: "x while connecting to upstream, upstream: "http://10.100.1.1:8080/""`,
  // A real failure beside what the visitor claims: one of the two is a lie.
  `${AT} connect() failed (111: Connection refused) while connecting to upstream, client: 198.51.100.1, server: kokoa, request: "GET /, upstream: "http://10.100.2.1:22/" HTTP/1.1", upstream: "http://10.100.1.1:8080/", host: "a.test"`,
  `${AT} no live upstreams while connecting to upstream, client: 198.51.100.1, server: kokoa, ${REQUEST}, upstream: "http://u1/", host: "a.test"`,
  // Nobody was asked, and the visitor claims that somebody was.
  `${AT} no live upstreams while connecting to upstream, client: 198.51.100.1, server: kokoa, request: "GET /, upstream: "http://10.100.1.1:8080/ HTTP/1.1", upstream: "http://u1/", host: "a.test"`,
  // An origin's words, which nginx repeats as they came.
  `${AT} upstream sent invalid header: "X: while upstream, client: , upstream: "http://10.100.2.1:8080/\\x00..." while reading response header from upstream`,
  // nginx cut it, and what was cut off may have been the truth.
  `${AT} connect() failed (111: Connection refused) while connecting to upstream, client: 198.51.100.1, server: kokoa, request: "GET /, upstream: "http://10.100.1.1:8080/${'x'.repeat(2_048)}`.slice(
    0,
    2_047,
  ),
  `${AT.replace('error', 'crit')} connect() to 10.100.1.1:8080 failed (99: Cannot assign requested address) while connecting to upstream, client: 198.51.100.1, server: kokoa, ${REQUEST}, upstream: "http://10.100.1.1:8080/", host: "a.test"`,
  '2026/11/23 06:10:11 [warn] 4242#4242: *17 upstream server temporarily disabled while connecting to upstream, client: 198.51.100.1, upstream: "http://10.100.1.1:8080/"',
])('names nobody: %s', (line) => {
  expect(failedRequests(line)).toEqual([]);
});

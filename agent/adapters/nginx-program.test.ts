// What an nginx of some version understands.
import { expect, test } from 'vitest';
import { featuresOf } from './nginx-program.ts';

test.each([
  ['nginx version: nginx/1.21.6', undefined],
  [
    'nginx version: nginx/1.22.1',
    { version: '1.22.1', http2Directive: false, certificateCache: false, http3: false, stream: 'none' },
  ],
  [
    'nginx version: nginx/1.25.0',
    { version: '1.25.0', http2Directive: false, certificateCache: false, http3: false, stream: 'none' },
  ],
  [
    'nginx version: openresty/1.25.3.1',
    { version: '1.25.3', http2Directive: true, certificateCache: false, http3: false, stream: 'none' },
  ],
  [
    'nginx version: nginx/1.27.4 (Ubuntu)',
    { version: '1.27.4', http2Directive: true, certificateCache: true, http3: false, stream: 'none' },
  ],
  [
    'nginx version: nginx/2.0.0',
    { version: '2.0.0', http2Directive: true, certificateCache: true, http3: false, stream: 'none' },
  ],
  ['command not found', undefined],
])('what %j understands', (printed, features) => {
  expect(featuresOf(printed)).toEqual(features);
});

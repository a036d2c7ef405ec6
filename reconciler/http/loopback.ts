// Which addresses and names mean this machine.
import { isIPv4 } from 'node:net';

/** For bare addresses (IPv4-mapped ones too) and the name localhost. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^::ffff:/, '');
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}

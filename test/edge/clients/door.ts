// How a visitor gets to the edge: a TLS connection from an address of choice, verified against the edge's own authority.
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { OneEdge } from '../one-edge.ts';

/** What a visitor must know of the edge. */
export type Door = Pick<OneEdge, 'address' | 'httpPort' | 'httpsPort'> & { readonly pki: { readonly caPem: string } };

export interface Visitor {
  /** The name in the handshake. */
  sni: string;
  /** The visitor's address: any of 127.0.0.0/8, or an IPv6 one of this machine. Default: the system's choice. */
  from?: string;
  /** Default `http/1.1`. */
  alpn?: 'http/1.1' | 'h2';
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Rejects with the system's or OpenSSL's error when the edge refuses the handshake. */
export async function connectTls(door: Door, visitor: Visitor): Promise<TLSSocket> {
  const socket = openTls(door, visitor);
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no handshake in time')));
  await once(socket, 'secureConnect');
  socket.setTimeout(0);
  socket.removeAllListeners('timeout');
  return socket;
}

/** To the port without TLS. */
export async function connectPlain(door: Door, visitor: Visitor): Promise<Socket> {
  const socket = connectTcp({ ...way(door, visitor), port: door.httpPort });
  await once(socket, 'connect');
  return socket;
}

function openTls(door: Door, visitor: Visitor): TLSSocket {
  const { sni, alpn = 'http/1.1' } = visitor;
  return connect({
    ...way(door, visitor),
    port: door.httpsPort,
    servername: sni,
    ca: door.pki.caPem,
    ALPNProtocols: [alpn],
    // Tells the name that the certificate must have, also where none is sent.
    ...(sni === '' && { checkServerIdentity: () => undefined }),
  });
}

function way({ address }: Door, { from }: Visitor): { host: string; localAddress?: string } {
  return { host: from?.includes(':') ? '::1' : address, ...(from !== undefined && { localAddress: from }) };
}

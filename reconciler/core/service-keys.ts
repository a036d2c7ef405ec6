// How the ports of a machine and the services behind it are named in indexes: as in an owner's allow-list, `8080`, `53/udp`,
// `192.168.1.20:8080`, `192.168.1.20:53/udp`. Law: the same number is another port for TCP and for UDP.

export type TransportProtocol = 'tcp' | 'udp';

export interface PortName {
  /** Absent: TCP. */
  protocol?: TransportProtocol;
  port: number;
}

export interface ServiceName extends PortName {
  /** Bare IPv4, as typed. */
  host: string;
}

const UDP = '/udp';

export function portKey({ protocol, port }: PortName): string {
  return protocol === 'udp' ? `${port}${UDP}` : String(port);
}

export function serviceKey({ host, ...name }: ServiceName): string {
  return `${host}:${portKey(name)}`;
}

/** What `portKey` made a key of. */
export function readPortKey(key: string): Required<PortName> {
  const isUdp = key.endsWith(UDP);
  return { protocol: isUdp ? 'udp' : 'tcp', port: Number(isUdp ? key.slice(0, -UDP.length) : key) };
}

/** What `serviceKey` made a key of. */
export function readServiceKey(key: string): Required<ServiceName> {
  const colon = key.lastIndexOf(':');
  return { host: key.slice(0, colon), ...readPortKey(key.slice(colon + 1)) };
}

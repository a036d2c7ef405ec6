// The WireGuard interface of a node. Read and write are apart: a plan is made from what was read and cannot write.

export interface TunnelPeer {
  /** Base64. */
  publicKey: string;
  /** `address/32`, sorted. */
  allowedIps: string[];
  /** `ip:port` as known now: configured, or learned from the peer. */
  endpoint?: string;
  /** Seconds; 0: off. */
  keepaliveSeconds: number;
  /** Unix seconds of the newest handshake; 0: never. */
  latestHandshake: number;
}

export interface TunnelState {
  up: boolean;
  listenPort: number;
  /** Bare IPv4 and prefix length, e.g. `10.100.0.1/16`. */
  address?: string;
  publicKey?: string;
  peers: TunnelPeer[];
}

export type TunnelStep =
  | { kind: 'start' }
  | { kind: 'address'; address: string }
  | { kind: 'listenPort'; port: number }
  | { kind: 'setPeer'; peer: Omit<TunnelPeer, 'latestHandshake'> }
  | { kind: 'removePeer'; publicKey: string }
  /** The interface takes the key of the key file, and shakes hands anew with these peers; their other settings stay as they are. */
  | { kind: 'rekey'; peers: Pick<TunnelPeer, 'publicKey' | 'keepaliveSeconds'>[] };

export interface TunnelReader {
  read(): Promise<TunnelState>;
}

export interface TunnelWriter {
  /** Carries out exactly these steps, in order. Other peers are not touched. @throws KokoaError tunnel_failed */
  apply(steps: readonly TunnelStep[]): Promise<void>;
}

export type Tunnel = TunnelReader & TunnelWriter;

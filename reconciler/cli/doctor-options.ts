// What `kokoa doctor` and `kokoa serve` are both told, with the same defaults, so that a command line can be typed again.
import { resolve } from 'node:path';

export interface DoctorOptions {
  repository: string;
  branch?: string;
  data: string;
  keys?: string;
  listen: string;
  tlsCert?: string;
  tlsKey?: string;
  behindProxy?: boolean;
  webhookSecretFile?: string;
  secrets?: string;
  dnsPrograms?: string;
  gitCa?: string;
  gitAuthorizationFile?: string;
}

export interface DoctorPlaces {
  dataDir: string;
  keysDir: string;
  storeDir: string;
  mirrorDir: string;
}

export function placesOf({ data, keys }: DoctorOptions): DoctorPlaces {
  const dataDir = resolve(data);
  return {
    dataDir,
    keysDir: keys === undefined ? resolve(dataDir, 'keys') : resolve(keys),
    storeDir: resolve(dataDir, 'store'),
    mirrorDir: resolve(dataDir, 'mirror'),
  };
}

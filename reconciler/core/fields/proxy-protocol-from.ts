// `pools[].proxyProtocolFrom`: who may say for whom a connection is. Law: never everybody.
import { type FieldCheck, refuse } from './field.ts';
import { networks, readNetwork } from './networks.ts';

export const proxyProtocolFrom: FieldCheck<readonly string[]> = {
  ...networks,
  judge: (list, place) => [
    ...(networks.judge?.(list, place) ?? []),
    ...list.flatMap((typed, index) => {
      const result = readNetwork(typed);
      if (result.kind === 'refused' || !result.cidr.endsWith('/0')) return [];
      const message = `found ${typed}, which is everybody, expected the addresses of the load balancer alone`;
      return [refuse(place, 'KK351', message, 'its provider lists them', `/${index}`)];
    }),
  ],
};

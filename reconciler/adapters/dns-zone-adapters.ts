// Every provider that writes zones, by its name in kokoa.yaml; each is loaded when a zone needs it, because some bring a large library.
import { join } from 'node:path';
import { KokoaError } from '../../bundle/error.ts';
import type { ZoneAdapters } from '../dns/zone-access.ts';

/** `programsDir`: where the programs of `exec` zones are; undefined: there are none. */
export function zoneAdapters(programsDir: string | undefined): ZoneAdapters {
  return {
    rfc2136: async (options) => (await import('./dns-rfc2136-zone.ts')).createRfc2136Zone(options),
    cloudflare: async (options) => (await import('./dns-cloudflare.ts')).createCloudflareZone(options),
    route53: async (options) => (await import('./dns-route53.ts')).createRoute53Zone(options),
    async manual({ zone }) {
      const [{ createManualZone }, { createPublicResolver }] = await Promise.all([
        import('./dns-manual.ts'),
        import('./dns-public.ts'),
      ]);
      return createManualZone({ zone, resolver: createPublicResolver() });
    },
    async exec({ program, ...options }) {
      if (programsDir === undefined)
        throw new KokoaError('dns_credentials', `records of ${options.zone} cannot be written: there are no programs`, {
          hint: 'say where they are with --dns-programs DIR',
        });
      return (await import('./dns-exec.ts')).createExecZone({ ...options, program: join(programsDir, program) });
    },
  };
}

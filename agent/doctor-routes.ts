// The routes that a bundle brings, as a doctor asks for them.
import type { WireRoute } from '../bundle/config.ts';
import type { VerifiedBundle } from './ports/state.ts';

export function routesOf(bundle: VerifiedBundle | undefined): WireRoute[] {
  return bundle?.chunks.flatMap((chunk) => chunk.routes) ?? [];
}

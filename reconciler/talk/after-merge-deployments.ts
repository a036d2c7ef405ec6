// What edges are told to be doing, as deployments. Law: of an environment the newest commit counts, and one that an older commit did not end
// with is over.
import type { Deployment } from '../ports/forge.ts';
import type { Sayings } from './sayings.ts';

/** Says deployments, one call per look, of one commit. */
export function createDeployments(sayings: Pick<Sayings, 'deployment'>): (deployments: readonly Deployment[]) => void {
  /** By environment: what was said of it last. */
  const last = new Map<string, Deployment>();
  return (deployments) => {
    for (const deployment of deployments) {
      const { environment, commit } = deployment;
      const old = last.get(environment);
      if (old !== undefined && old.commit !== commit && (old.state === 'queued' || old.state === 'in_progress'))
        sayings.deployment({ ...old, state: 'inactive', description: 'a newer commit took its place' });
      last.set(environment, deployment);
      sayings.deployment(deployment);
    }
  };
}

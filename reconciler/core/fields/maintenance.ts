// `maintenance`: who still gets in.
import type { Maintenance } from '../../../schemas/types.ts';
import { block } from './field.ts';
import { networks } from './networks.ts';

export const maintenance = block<Maintenance>({ allow: networks });

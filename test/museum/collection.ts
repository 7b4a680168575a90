/** All broken builds. */

import type { Sabotage } from './sabotage.ts';
import { ANSWER_SABOTAGES } from './sabotages-answer.ts';
import { DISK_SABOTAGES } from './sabotages-disk.ts';
import { LEDGER_SABOTAGES } from './sabotages-ledger.ts';
import { LIMIT_SABOTAGES } from './sabotages-limits.ts';
import { MIRROR_SABOTAGES } from './sabotages-mirror.ts';
import { RELEASE_SABOTAGES } from './sabotages-release.ts';
import { SECRET_SABOTAGES } from './sabotages-secret.ts';
import { SECURITY_SABOTAGES } from './sabotages-security.ts';
import { TARGET_SABOTAGES } from './sabotages-target.ts';
import { WHOLE_SABOTAGES } from './sabotages-whole.ts';

export const SABOTAGES: readonly Sabotage[] = [
  ...DISK_SABOTAGES,
  ...ANSWER_SABOTAGES,
  ...RELEASE_SABOTAGES,
  ...LIMIT_SABOTAGES,
  ...LEDGER_SABOTAGES,
  ...MIRROR_SABOTAGES,
  ...SECRET_SABOTAGES,
  ...SECURITY_SABOTAGES,
  ...TARGET_SABOTAGES,
  ...WHOLE_SABOTAGES,
];

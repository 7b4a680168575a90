/** The folder of package.json: two above this file in `src/`, one above the bundle in `dist/`. */
import { fileURLToPath } from 'node:url';

export const isBundled = !import.meta.url.endsWith('.ts');
export const packageRoot = fileURLToPath(new URL(isBundled ? '../' : '../../', import.meta.url));

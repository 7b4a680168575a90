/**
 * The oldest version that may be used of what Outrider runs on, each with the advisory that says why. Raise a floor
 * when an advisory about something that is reached here, or that people's scanners will ask about, is published.
 */
export interface Floor {
  readonly name: string;
  readonly version: string;
  readonly advisory: string;
  readonly why: string;
}

const floor = (name: string, version: string, advisory: string, why: string): Floor => ({
  name,
  version,
  advisory,
  why,
});

/** Of `process.versions`. */
export const RUNTIME: readonly Floor[] = [
  floor('llhttp', '9.3.0', 'CVE-2025-23167', 'a header section ended by \\r\\n\\rX: request smuggling'),
  floor('openssl', '3.5.5', 'CVE-2025-15467', 'a stack overflow in CMS messages'),
  floor('sqlite', '3.50.2', 'CVE-2025-6965', 'memory corruption by an aggregate with too many terms'),
];

/** Of each release line of Node.js that `engines` allows. */
export const NODE: readonly Floor[] = [
  floor('node', '24.17.0', 'CVE-2026-48931', 'an answer nobody asked for is given to the next request'),
  floor('node', '26.3.1', 'CVE-2026-48931', 'an answer nobody asked for is given to the next request'),
];

/** Of package-lock.json: every copy, wherever it is nested. */
export const PACKAGES: readonly Floor[] = [
  floor('undici', '7.24.0', 'CVE-2026-1525', 'Content-Length twice: request smuggling'),
  floor('undici', '8.9.0', 'CVE-2026-13697', 'the first release of line 8 with this and four more fixes of July 2026'),
  floor('undici', '8.10.2', 'GHSA-vp8m-p9jh-q5pm', 'a regression of line 8, with eight more fixes'),
  floor('express', '5.0.0', 'CVE-2024-43796', 'script injection by redirect'),
  floor('body-parser', '2.3.0', 'CVE-2026-12590', 'an invalid limit turned the limit off'),
  floor('qs', '6.16.0', 'CVE-2026-82417', 'denial of service'),
  floor('path-to-regexp', '8.4.0', 'CVE-2026-4926', 'denial of service by optional groups'),
  floor('send', '0.19.0', 'CVE-2024-43799', 'script injection by redirect'),
  floor('serve-static', '2.1.0', 'CVE-2024-43800', 'script injection by redirect'),
  floor('cookie', '0.7.0', 'CVE-2024-47764', 'names, paths and domains with characters that end them'),
  floor('debug', '4.4.3', 'CVE-2025-59144', '4.4.2 was published by somebody else'),
  floor('js-yaml', '3.15.2', 'CVE-2026-84375', 'denial of service by merge keys (tests only)'),
  floor('js-yaml', '4.3.2', 'CVE-2026-84375', 'denial of service by merge keys'),
  floor('http-proxy-middleware', '3.0.5', 'CVE-2025-32997', 'a body is written though its parser failed (tests only)'),
  floor('ws', '8.17.1', 'CVE-2024-37890', 'a crash by many header fields (tests only)'),
];

/**
 * Whether a version has what the floors ask for: those of its own release line, for fixes are made in several lines at
 * once; where none is about its line, all of them.
 */
export function isFixed(version: string, floors: readonly Floor[]): boolean {
  const own = floors.filter((each) => lineOf(each.version) === lineOf(version));
  return (own.length > 0 ? own : floors).every((each) => isAtLeast(version, each.version));
}

const lineOf = (version: string): string => version.split('.', 1)[0] ?? '';

/** Numbers of `major.minor.patch`; a pre-release is not told from its release. */
export function isAtLeast(version: string, least: string): boolean {
  const [mine, wanted] = [version, least].map((text) => text.split(/[.-]/).slice(0, 3).map(Number));
  for (const [index, number] of (wanted ?? []).entries()) {
    const own = mine?.[index] ?? 0;
    if (own !== number) return own > number;
  }
  return true;
}

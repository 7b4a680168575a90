import { findConfigPath } from '../../../src/runtime/cli/config-path.ts';

const env = { OUTRIDER_CONFIG: '/own', SIDECAR_CONFIG: '/older/sidecar_config.yaml' };
const there = () => true;
const notThere = () => false;

describe('findConfigPath', () => {
  test('takes what was given before any variable', () => {
    expect(findConfigPath('here', env, there)).toBe('here');
  });

  test('takes OUTRIDER_CONFIG before SIDECAR_CONFIG, and that before /etc/outrider', () => {
    expect(findConfigPath(undefined, env, there)).toBe('/own');
    expect(findConfigPath(undefined, { SIDECAR_CONFIG: '/older' }, there)).toBe('/older');
    expect(findConfigPath(undefined, {}, there)).toBe('/etc/outrider');
  });

  test('takes an empty variable as not set', () => {
    expect(findConfigPath(undefined, { OUTRIDER_CONFIG: '', SIDECAR_CONFIG: '/older' }, there)).toBe('/older');
  });

  test('gives undefined, the environment alone, where there is nothing', () => {
    expect(findConfigPath(undefined, { SIDECAR_CONFIG: '' }, notThere)).toBeUndefined();
  });
});

/**
 * Jest runs tests in a realm of their own, where `error instanceof Error` is false for an error of node:fs. The
 * process that people run has one realm; importing this makes the tests' answer the same.
 */
import { types } from 'node:util';

const ordinary = Function.prototype[Symbol.hasInstance];

Object.defineProperty(Error, Symbol.hasInstance, {
  configurable: true,
  value(this: unknown, value: unknown): boolean {
    return (this === Error && types.isNativeError(value)) || ordinary.call(this, value);
  },
});

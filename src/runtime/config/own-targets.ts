/**
 * A listener whose `target` is a URL stands in front of one thing, mostly the application in its own pod. It needs no
 * target of that name in routes.yaml, which belongs to somebody else, and no rule that was written for what the
 * application sends may take its requests elsewhere.
 */
import type { Configuration } from './definition.ts';
import { target as targetDefinition } from './definition-routes.ts';
import { isOwnTarget } from './own-target-form.ts';

/** The configuration with a target named like each such listener, and its rules kept to the listeners they mean. */
export function withOwnTargets(configuration: Configuration): Configuration {
  const own = configuration.listeners.filter(({ target }) => isOwnTarget(target));
  if (own.length === 0) return configuration;
  // What is in front of an application passes on the host that it was asked for, as if it were not there.
  const made = own.map(({ name, target: url }) => [
    name,
    targetDefinition.parse({ urls: [{ url }], hostHeader: 'preserve' }),
  ]);
  const others = configuration.listeners.filter(({ target }) => !isOwnTarget(target)).map(({ name }) => name);
  return {
    ...configuration,
    listeners: configuration.listeners.map((one) => (isOwnTarget(one.target) ? { ...one, target: one.name } : one)),
    targets: { ...configuration.targets, ...Object.fromEntries(made) },
    rules: configuration.rules.flatMap((rule) => {
      if (rule.match.listeners.length > 0) return [rule];
      // No listener is left: such a rule could only be met where it must not be.
      return others.length === 0 ? [] : [{ ...rule, match: { ...rule.match, listeners: others } }];
    }),
  };
}

import { readFileSync } from 'node:fs';
import { constantsFile, constantsTemplate, settingsPage, withSettings } from '../../scripts/sidecar.ts';
import {
  SIDECAR,
  type SidecarOptions,
  sidecarContainer,
  sidecarVolumes,
} from '../../src/runtime/kubernetes/sidecar.ts';
import { sidecarOptions } from './sidecar-options.ts';

const names = (list: unknown): unknown[] => (Array.isArray(list) ? list.map(({ name }) => name) : []);

test('the constants of the library chart are what the definition says (else: npm run sidecar)', () => {
  expect(readFileSync(new URL(`../../${constantsFile}`, import.meta.url), 'utf8')).toBe(constantsTemplate());
});

test('docs/injection.md has every setting (else: npm run sidecar)', () => {
  const page = readFileSync(new URL(`../../${settingsPage}`, import.meta.url), 'utf8');
  expect(withSettings(page)).toBe(page);
});

test('a native sidecar is restarted for ever, a plain container says nothing about it', () => {
  expect(sidecarContainer(sidecarOptions())).toMatchObject({ restartPolicy: 'Always' });
  expect(sidecarContainer(sidecarOptions({ native: false }))).not.toHaveProperty('restartPolicy');
});

test('the container keeps to the restricted Pod Security standard', () => {
  expect(sidecarContainer(sidecarOptions()).securityContext).toEqual({
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    runAsUser: 10001,
    runAsGroup: 10001,
    seccompProfile: { type: 'RuntimeDefault' },
  });
});

test('without a user of its own it names neither user nor group', () => {
  const context = sidecarContainer(sidecarOptions({ runAsUser: null })).securityContext;
  expect(context).not.toHaveProperty('runAsUser');
  expect(context).not.toHaveProperty('runAsGroup');
  expect(context).toMatchObject({ runAsNonRoot: true });
});

test('another user has group 0, which the image gives its folders to', () => {
  const context = sidecarContainer(sidecarOptions({ runAsUser: 1000650000 })).securityContext;
  expect(context).toMatchObject({ runAsUser: 1000650000, runAsGroup: 0 });
});

const spools: { spool: SidecarOptions['spool']; volume: unknown }[] = [
  { spool: { kind: 'emptyDir', size: '256Mi' }, volume: { emptyDir: { sizeLimit: '448Mi' } } },
  { spool: { kind: 'emptyDir', size: '1Gi' }, volume: { emptyDir: { sizeLimit: '1600Mi' } } },
  {
    spool: { kind: 'claim', size: '256Mi', claimName: 'acme' },
    volume: { persistentVolumeClaim: { claimName: 'acme' } },
  },
];

test.each(spools)('the spool $spool is the volume $volume', ({ spool, volume }) => {
  const options = sidecarOptions({ spool });
  expect(sidecarVolumes(options)).toContainEqual({ name: 'outrider-spool', ...Object(volume) });
  expect(sidecarContainer(options).volumeMounts).toContainEqual({
    name: 'outrider-spool',
    mountPath: '/var/lib/outrider/spool',
  });
});

test('an ephemeral claim has the storage class that was asked for, and none where none was', () => {
  const claim = (storageClass: string): unknown =>
    sidecarVolumes(sidecarOptions({ spool: { kind: 'ephemeral', size: '256Mi', storageClass } }))[1];
  const spec = (fields: object): unknown => ({
    name: 'outrider-spool',
    ephemeral: {
      volumeClaimTemplate: {
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '448Mi' } }, ...fields },
      },
    },
  });
  expect(claim('fast')).toEqual(spec({ storageClassName: 'fast' }));
  expect(claim('')).toEqual(spec({}));
});

test('without a spool there is neither volume nor mount', () => {
  const options = sidecarOptions({ spool: { kind: 'none' } });
  expect(names(sidecarVolumes(options))).toEqual(['outrider-config', 'outrider-no-token']);
  expect(names(sidecarContainer(options).volumeMounts)).toEqual(['outrider-config', 'outrider-no-token']);
});

test('a spool on an emptyDir asks for its room on the node, and sets no limit that the application would fill', () => {
  expect(sidecarContainer(sidecarOptions()).resources).toEqual({
    requests: { cpu: '25m', memory: '64Mi', 'ephemeral-storage': '448Mi' },
    limits: { memory: '128Mi' },
  });
});

test('beside a Guaranteed application requests are limits', () => {
  const { requests, limits } = SIDECAR.guaranteed;
  expect(requests).toEqual(limits);
  expect(sidecarContainer(sidecarOptions({ guaranteed: true })).resources).toMatchObject({ requests, limits });
});

test('resources that were asked for are taken as they are', () => {
  const resources = { requests: { cpu: '1', 'ephemeral-storage': '1Gi' }, limits: { cpu: '2' } };
  expect(sidecarContainer(sidecarOptions({ resources, guaranteed: true })).resources).toEqual(resources);
});

test('files are mounted as folders, never by subPath', () => {
  expect(JSON.stringify(sidecarContainer(sidecarOptions({ secret: 'tokens' })))).not.toContain('subPath');
});

test('one ConfigMap is shown whole, over the configuration that the annotation brings', () => {
  expect(sidecarVolumes(sidecarOptions({ configMaps: ['acme'] }))[0]).toEqual({
    name: 'outrider-config',
    projected: {
      sources: [
        {
          downwardAPI: {
            items: [{ path: 'outrider.yaml', fieldRef: { fieldPath: "metadata.annotations['outrider.dev/process']" } }],
          },
        },
        { configMap: { name: 'acme' } },
      ],
    },
  });
});

test('of two ConfigMaps each gives its own file only', () => {
  expect(sidecarVolumes(sidecarOptions({ configMaps: ['a', 'b'] }))[0]).toEqual({
    name: 'outrider-config',
    projected: {
      sources: [
        { configMap: { name: 'a', items: [{ key: 'outrider.yaml', path: 'outrider.yaml' }] } },
        { configMap: { name: 'b', items: [{ key: 'routes.yaml', path: 'routes.yaml' }] } },
      ],
    },
  });
});

test('the pod’s token is not in the container', () => {
  expect(sidecarContainer(sidecarOptions()).volumeMounts).toContainEqual({
    name: 'outrider-no-token',
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
    readOnly: true,
  });
  expect(names(sidecarVolumes(sidecarOptions({ hideToken: false })))).not.toContain('outrider-no-token');
});

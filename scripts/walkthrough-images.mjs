// npm run walkthrough:images: nginx and Kafka for example/walkthrough, as archives that a cluster loads.
import { join } from 'node:path';
import { makeWalkthroughImages } from './image/walkthrough.ts';
import { root, say } from './project.mjs';

try {
  const lines = await makeWalkthroughImages(join(root, 'var/walkthrough'));
  for (const line of lines) say(`${line} in var/walkthrough`);
} catch (error) {
  say(
    `${error.message}\nNeeded on this machine: nginx, a JDK 17 or newer with jlink, ldd, and Maven for Kafka's jars.`,
  );
  process.exitCode = 1;
}

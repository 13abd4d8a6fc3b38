import type { AnyOperation } from '../http/operation';
import { createArtifactOperation } from './create-artifact';
import { downloadArtifact } from './download-artifact';
import { exportArtifact } from './export-artifact';
import {
  getArtifact,
  getArtifactManifest,
  getArtifactSummary,
  listArtifacts,
} from './read-artifacts';
import { reconcileArtifact } from './reconcile-artifact';

export const artifactOperations = [
  createArtifactOperation,
  listArtifacts,
  getArtifactSummary,
  getArtifact,
  getArtifactManifest,
  exportArtifact,
  downloadArtifact,
  reconcileArtifact,
] as unknown as AnyOperation[];

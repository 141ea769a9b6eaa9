import type { OffloadedTask } from 'api-types';

// What a failure says of the place it ran at, and what it costs.
export const failure_meanings: Record<OffloadedTask['failure'], string> = {
  none: '',
  error: 'The kind returned an error; it used up one of the task’s attempts.',
  timeout: 'It ran longer than it may; that used up one of the task’s attempts.',
  crash: 'Its place came back without it; three of those fail a task for good.',
  lost: 'Nothing was heard of it for a lease; that uses up nothing.',
  interrupted: 'Its owner, deadline or place stopped it; that uses up nothing.',
  refused: 'Its place had no room for it.',
  poison: 'It crashed wherever it ran, and is not tried again.',
  dependency: 'A task it came after did not succeed.',
  disconnected: 'The link was down, and it asked to fail then.',
};

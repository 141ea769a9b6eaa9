import { after } from 'node:test';
import { close } from './session.mjs';
import './real.test.mjs';

after(close);

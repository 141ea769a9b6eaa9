import { after } from 'node:test';
import { close } from './session.mjs';
import './pages.test.mjs';
import './use.test.mjs';
import './dispatched.test.mjs';
import './admin.test.mjs';
import './live.test.mjs';
import './load.test.mjs';
import './prefix.test.mjs';

after(close);

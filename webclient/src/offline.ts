// Goes on from the page that says that there is no connection.
import { loadAgain } from './again.ts';

void loadAgain(() => true);

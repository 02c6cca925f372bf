/** How a process ends whose worker has given itself up. */
export const gaveUpCode = 3

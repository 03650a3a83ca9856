/* Nothing: the library is preloaded. */

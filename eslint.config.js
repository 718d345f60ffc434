import css from "@eslint/css";
import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import globals from "globals";

export default defineConfig([
  { ignores: [".venv/", "**/node_modules/", "staticfiles/", "var/"] },
  {
    files: ["**/*.js", "**/*.mjs"],
    plugins: { js },
    extends: ["js/recommended"],
    linterOptions: { reportUnusedDisableDirectives: "error", reportUnusedInlineConfigs: "error" },
    rules: {
      "curly": ["error", "multi-line"],
      "eqeqeq": ["error", "always", { null: "ignore" }],
      "no-misleading-character-class": ["error", { allowEscape: true }],
      "no-implicit-coercion": "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { varsIgnorePattern: "^_", argsIgnorePattern: "^_" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  { files: ["static/js/**/*.js", "tests/browser/**/*.js", "tests/support/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["static/js/worklets/*.js"], languageOptions: { globals: globals.audioWorklet } },
  { files: ["**/*.mjs"], languageOptions: { globals: globals.node } },
  { files: ["static/css/*.css"], plugins: { css }, language: "css/css", extends: ["css/recommended"],
    rules: {
      // Every page links site.css, where the variables are: one file alone cannot know them.
      "css/no-invalid-properties": ["error", { allowUnknownVariables: true }],
      "css/no-important": "off", // against a person's wish for less motion no selector may win
      "css/use-baseline": "off", // what a browser does not know, it leaves out, and the page holds without
    },
  },
]);

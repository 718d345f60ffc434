/** The pickers for microphone and speaker, and what this device remembers of them. */

/** @type {(name: string) => string} */
export function recall(name) {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return ""; // storage is switched off: nothing is remembered, and nothing else is wrong
  }
}

/** @type {(name: string, value: string) => void} */
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // as above
  }
}

/**
 * Fill both pickers with the devices that are plugged in. Browsers name devices only once the microphone was allowed.
 * @type {(microphones: HTMLSelectElement, speakers: HTMLSelectElement, chosen: { microphone: string, speaker: string }) => Promise<void>}
 */
export async function fillPickers(microphones, speakers, chosen) {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  fill(microphones, devices.filter(isNamed("audioinput")), chosen.microphone);
  const canChoose = "setSinkId" in AudioContext.prototype;
  fill(speakers, canChoose ? devices.filter(isNamed("audiooutput")) : [], chosen.speaker);
}

/** @type {(kind: MediaDeviceKind) => (device: MediaDeviceInfo) => boolean} */
function isNamed(kind) {
  return (device) => device.kind === kind && device.deviceId !== "" && device.label !== "";
}

/**
 * Return the row of a picker, which includes its label.
 * @type {(picker: HTMLElement) => HTMLElement}
 */
export function getField(picker) {
  return /** @type {HTMLElement} */ (picker.closest(".field"));
}

/** @type {(picker: HTMLSelectElement, devices: MediaDeviceInfo[], chosen: string) => void} */
function fill(picker, devices, chosen) {
  const options = devices.map(({ deviceId, label }) => new Option(label, deviceId, false, deviceId === chosen));
  picker.replaceChildren(...options);
  getField(picker).hidden = options.length === 0;
}

/** The microphone and speaker pickers, and what is remembered of them on this device. */

export function remembered(name) {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return ""; // storage is switched off: nothing is remembered, and nothing else is wrong
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // as above
  }
}

/** Fills both pickers with what is plugged in. Browsers name devices only once the microphone was allowed. */
export async function fillPickers(microphones, speakers, chosen) {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  fill(microphones, devices.filter(isNamed("audioinput")), chosen.microphone);
  const canChoose = "setSinkId" in AudioContext.prototype;
  fill(speakers, canChoose ? devices.filter(isNamed("audiooutput")) : [], chosen.speaker);
}

function isNamed(kind) {
  return (device) => device.kind === kind && device.deviceId && device.label;
}

function fill(picker, devices, chosen) {
  const options = devices.map(({ deviceId, label }) => new Option(label, deviceId, false, deviceId === chosen));
  picker.replaceChildren(...options);
  picker.closest(".field").hidden = options.length === 0;
}

/** Sends the sound to a speaker ("default" or an id). Returns whether it could. */
export async function useSpeaker(context, deviceId) {
  if (!context.setSinkId || !deviceId) return true;
  try {
    await context.setSinkId(deviceId === "default" ? "" : deviceId);
    return true;
  } catch {
    return false;
  }
}

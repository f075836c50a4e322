using TorchSharp.Interop;

namespace TorchSharp;

/// <summary>Turns the recording of gradients on or off for this thread until it is disposed.</summary>
internal sealed class AutoGradMode : IDisposable
{
    private readonly bool _previous = IsEnabled;

    internal AutoGradMode(bool enabled) => Native.shim_set_grad_enabled(enabled ? 1 : 0);

    internal static bool IsEnabled => Native.shim_grad_enabled() != 0;

    public void Dispose() => Native.shim_set_grad_enabled(_previous ? 1 : 0);
}

/// <summary>Inference mode for this thread until it is disposed (on the same thread: it is thread-local, so there is no finaliser).</summary>
internal sealed class InferenceMode(bool mode) : IDisposable
{
    private nint _guard = Native.shim_inference_mode_enter(mode ? 1 : 0);

    internal static bool IsEnabled => Native.shim_inference_mode() != 0;

    public void Dispose()
    {
        if (_guard != 0)
            Native.shim_inference_mode_leave(_guard);
        _guard = 0;
    }
}

/// <summary>Lets backward name the forward operation that made a NaN or failed; slow.</summary>
public class AnomalyMode : IDisposable
{
    private readonly bool _enabled = IsEnabled;
    private readonly bool _checkNan = ShouldCheckNaN;

    public AnomalyMode(bool enabled, bool check_nan = true) => Native.shim_set_anomaly(enabled ? 1 : 0, check_nan ? 1 : 0);

    public static bool IsEnabled => Native.shim_anomaly_enabled() != 0;

    public static bool ShouldCheckNaN => Native.shim_anomaly_check_nan() != 0;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            Native.shim_set_anomaly(_enabled ? 1 : 0, _checkNan ? 1 : 0);
    }
}

using FedLora.Cli.Commands.Simulate;
using FedLora.Cli.Output;
using FedLora.Training.Running;

namespace FedLora.Cli.Commands.Models;

/// <summary>A line now and then about how far an evaluation is. Not Progress&lt;T&gt;, which reports from another thread.</summary>
internal sealed class EvaluationLines(CommandOutput output, TimeProvider time) : IProgress<EvaluationProgress>
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly long _started = time.GetTimestamp();
    private TimeSpan _next = Pause;

    public void Report(EvaluationProgress value)
    {
        var taken = time.GetElapsedTime(_started);
        if (taken < _next || value.Done == value.All)
            return;
        _next = taken + Pause;
        output.Remark($"{value.Done} of {value.All} at {RunProgress.Show(taken)}; "
            + $"about {RunProgress.Show(taken * ((1 - value.Share) / value.Share))} to go");
    }
}

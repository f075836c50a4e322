using System.Diagnostics;
using FedLora.Client.Rounds;
using Xunit.MicrosoftTestingPlatform;

namespace FedLora.Client.Tests;

/// <summary>A node that trains a private round and is gone by SIGKILL after its first step: the test assembly, run as a program.</summary>
internal static class KilledSite
{
    public const string Verb = "train-until-killed";

    public static async Task<int> Main(string[] args)
    {
        if (args is not [Verb, var folder])
            return await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
                .ConfigureAwait(false);
        PrivateRoundTests.TrainIn(folder, new Fatal());
        return 0;
    }

    private sealed class Fatal : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            Process.GetCurrentProcess().Kill();
            // It dies at once; if it did not, the test would see it end otherwise.
            Thread.Sleep(TimeSpan.FromMinutes(1));
        }
    }
}

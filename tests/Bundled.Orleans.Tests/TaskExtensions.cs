using System.Runtime.CompilerServices;

namespace Bundled.Orleans.Tests;

internal static class TaskExtensions
{
    public static async Task AsTask(this YieldAwaitable yield) => await yield;
}

using System.Reflection;

namespace Orleans.Runtime;

/// <summary>Turns the return types of grain methods into <c>Task&lt;object&gt;</c> and back.</summary>
internal static class Promises
{
    public static (Func<object, Task<object?>> Await, Func<Task<object?>, object> Promise) For(Type type, string method)
    {
        if (type == typeof(Task))
            return (static task => Nothing((Task)task), static answer => answer);
        if (type == typeof(ValueTask))
            return (static task => Nothing(((ValueTask)task).AsTask()), static answer => new ValueTask(answer));
        var definition = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        if (definition != typeof(Task<>) && definition != typeof(ValueTask<>))
            throw new NotSupportedException($"{method}: grain methods return Task, Task<T>, ValueTask or ValueTask<T> here, not {type}.");
        var maker = typeof(Promises).GetMethod(definition == typeof(Task<>) ? nameof(OfTask) : nameof(OfValueTask), BindingFlags.Static | BindingFlags.NonPublic)!;
        return ((Func<object, Task<object?>>, Func<Task<object?>, object>))maker.MakeGenericMethod(type.GetGenericArguments()).Invoke(null, null)!;
    }

    private static (Func<object, Task<object?>> Await, Func<Task<object?>, object> Promise) OfTask<T>() =>
        (static task => Boxed((Task<T>)task), static answer => Typed<T>(answer));

    private static (Func<object, Task<object?>> Await, Func<Task<object?>, object> Promise) OfValueTask<T>() =>
        (static task => Boxed(((ValueTask<T>)task).AsTask()), static answer => new ValueTask<T>(Typed<T>(answer)));

    private static async Task<object?> Nothing(Task task)
    {
        await task;
        return null;
    }

    private static async Task<object?> Boxed<T>(Task<T> task) => await task;

    private static async Task<T> Typed<T>(Task<object?> answer) => (T)(await answer.ConfigureAwait(false))!;
}

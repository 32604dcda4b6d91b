using System.Reflection;
using AutoMapper;
using AutoMapper.Internal;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application;

namespace Secrets.Architecture.Tests;

public sealed class Wiring : IDisposable
{
    private const BindingFlags Flags = BindingFlags.Public | BindingFlags.Instance;

    private readonly ServiceProvider _services = new ServiceCollection().AddApplication().BuildServiceProvider();

    private IConfigurationProvider Maps => _services.GetRequiredService<IMapper>().ConfigurationProvider;

    public void Dispose() => _services.Dispose();

    [Fact]
    public void Every_map_fills_all_members_of_its_target() => Maps.AssertConfigurationIsValid();

    /// <summary>
    /// AutoMapper 14 recurses without a bound; Directory.Build.props suppresses that advisory. A mapping recurses only if a type can contain itself.
    /// </summary>
    [Fact]
    public void No_mapped_type_can_contain_itself()
    {
        var maps = Maps.Internal().GetAllTypeMaps();

        Assert.True(maps.Count >= 2);
        Assert.All(maps, map =>
        {
            Assert.Null(CycleFrom(map.SourceType));
            Assert.Null(CycleFrom(map.DestinationType));
        });
    }

    [Theory]
    [InlineData(typeof(Itself))]
    [InlineData(typeof(ListOfItself))]
    [InlineData(typeof(Around))]
    [InlineData(typeof(ToACycle))]
    [InlineData(typeof(Anything))]
    [InlineData(typeof(BehindAnInterface))]
    [InlineData(typeof(BehindABase))]
    public void The_search_finds_types_that_can_contain_themselves(Type type) => Assert.NotNull(CycleFrom(type));

    /// <summary>The type itself or a type of its parts, if it can contain itself; otherwise null.</summary>
    private static Type? CycleFrom(Type type) => CycleFrom(type, []);

    private static Type? CycleFrom(Type type, List<Type> path)
    {
        if (path.Contains(type) || MayBeAnother(type))
        {
            return type;
        }

        path.Add(type);
        var cycle = PartsOf(type).Select(part => CycleFrom(part, path)).FirstOrDefault(found => found is not null);
        path.Remove(type);
        return cycle;
    }

    /// <summary>The types of the members and list elements of an instance. AutoMapper copies types of the framework without recursion.</summary>
    private static IEnumerable<Type> PartsOf(Type type)
    {
        if (type.IsArray)
        {
            return [type.GetElementType()!];
        }

        var arguments = type.IsGenericType ? type.GetGenericArguments() : [];
        return IsOfTheFramework(type)
            ? arguments
            : [.. arguments, .. type.GetProperties(Flags).Select(property => property.PropertyType), .. type.GetFields(Flags).Select(field => field.FieldType)];
    }

    /// <summary>Whether an instance may have a derived type, whose members this test cannot know.</summary>
    private static bool MayBeAnother(Type type) => type == typeof(object) || (!type.IsSealed && !type.IsArray && !IsOfTheFramework(type));

    private static bool IsOfTheFramework(Type type) => type.Namespace == "System" || type.Namespace?.StartsWith("System.", StringComparison.Ordinal) == true;

    private interface IPart;

    private abstract record Base;

    private sealed record Anything(object Value);

    private sealed record BehindAnInterface(IPart Part);

    private sealed record BehindABase(Base Part);

    private sealed record Itself(string Name, Itself? Next);

    private sealed record ListOfItself(IReadOnlyList<ListOfItself> Children);

    private sealed record Around(Dictionary<string, Back[]> Members);

    private sealed record Back(Around Other);

    private sealed record ToACycle(int Number, Itself First);
}

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('wordpress', '0007_attachment_credit'),
    ]

    operations = [
        migrations.CreateModel(
            name='ImportedMenu',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('site', models.CharField(blank=True, max_length=500)),
                ('key', models.CharField(max_length=32)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('items', models.JSONField(default=list)),
            ],
            options={
                'verbose_name': 'imported menu',
                'verbose_name_plural': 'imported menus',
                'ordering': ('name', 'pk'),
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('key', 'site'), name='unique_imported_menu')],
            },
        ),
    ]

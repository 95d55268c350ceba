<?php
/*
 * Runs a real WordPress from the command line, without a web server: `php wordpress.php install|import|export`.
 *
 * `import` stores an export like WordPress's importer, but with its own, shorter code: authors, terms, posts with their
 * IDs, comments with their threads, menus, meta fields. It downloads no files. `export` is Tools → Export. Both use
 * WordPress's own functions, so what they store and write is what WordPress makes of it. The environment sets the
 * database (WP_SOCKET, WP_DATABASE), the folder of uploads and themes (WP_CONTENT), and the URL (WP_URL).
 */

[, $command, $file] = $argv + [null, null, null];
$table_prefix = 'wp_';
define('ABSPATH', getenv('WP_ROOT') . '/');
define('WP_CONTENT_DIR', getenv('WP_CONTENT'));
define('DB_NAME', getenv('WP_DATABASE'));
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:' . getenv('WP_SOCKET'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {
    define("{$name}_KEY", 'only for this run');
    define("{$name}_SALT", 'only for this run');
}
define($command === 'install' ? 'WP_INSTALLING' : 'WP_IMPORTING', true);
$_SERVER['HTTP_HOST'] = parse_url(getenv('WP_URL'), PHP_URL_HOST);
$_SERVER['REQUEST_URI'] = '/';
$_SERVER['REQUEST_METHOD'] = 'GET';
require ABSPATH . 'wp-settings.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
require_once ABSPATH . 'wp-admin/includes/export.php';

// The types and taxonomies that plug-ins and themes of the old site registered.
register_post_type('event', ['public' => true, 'can_export' => true]);
register_taxonomy('genre', ['post'], ['public' => true]);
register_taxonomy('venue', ['event'], ['public' => true]);

// Store each text exactly as it is in the export. WordPress would otherwise sanitise commenters' markup.
kses_remove_filters();
remove_all_filters('pre_comment_content');
remove_all_filters('content_save_pre');
remove_all_filters('excerpt_save_pre');
remove_all_filters('title_save_pre');

// Only administrators export, and they see the URLs of private posts.
wp_set_current_user(1);

match ($command) {
    'install' => install(),
    'import' => import(simplexml_load_file($file, 'SimpleXMLElement', LIBXML_PARSEHUGE)),
    'export' => export_wp(['content' => 'all']),
};

function install(): void
{
    require_once ABSPATH . 'wp-admin/includes/upgrade.php';
    add_filter('pre_wp_mail', '__return_true');
    wp_install('Old blog', 'admin', 'admin@example.org', true, '', 'only-for-this-run');
    update_option('siteurl', getenv('WP_URL'));
    update_option('home', getenv('WP_URL'));
    update_option('permalink_structure', '/%year%/%monthnum%/%day%/%postname%/');
    update_option('thread_comments_depth', 10);
    // Without the sample content.
    foreach (get_posts(['post_type' => 'any', 'post_status' => 'any', 'numberposts' => -1]) as $post) {
        wp_delete_post($post->ID, true);
    }
}

function import(SimpleXMLElement $xml): void
{
    $channel = $xml->channel;
    foreach ($channel->children('wp', true)->author as $author) {
        $login = (string) $author->author_login;
        if (!username_exists($login)) {
            wp_insert_user(wp_slash([
                'user_login' => $login,
                'user_pass' => wp_generate_password(),
                'user_email' => (string) $author->author_email,
                'display_name' => (string) $author->author_display_name,
                'first_name' => (string) $author->author_first_name,
                'last_name' => (string) $author->author_last_name,
                'role' => 'author',
            ]));
        }
    }
    $wp = $channel->children('wp', true);
    $kinds = [
        ['category', 'category_nicename', 'cat_name', 'category_parent', 'category_description'],
        ['tag', 'tag_slug', 'tag_name', 'tag_parent', 'tag_description'],
        ['term', 'term_slug', 'term_name', 'term_parent', 'term_description'],
    ];
    foreach ($kinds as [$element, $slug, $name, $parent, $description]) {
        foreach ($wp->$element as $term) {
            $taxonomy = ['category' => 'category', 'tag' => 'post_tag'][$element] ?? (string) $term->term_taxonomy;
            $above = (string) $term->$parent === '' ? false : get_term_by('slug', (string) $term->$parent, $taxonomy);
            $id = term_id($taxonomy, (string) $term->$slug, (string) $term->$name, [
                'description' => (string) $term->$description,
                'parent' => $above ? $above->term_id : 0,
            ]);
            foreach ($term->termmeta as $field) {
                add_term_meta($id, wp_slash((string) $field->meta_key), meta_value($field));
            }
        }
    }
    $posts = [];
    foreach ($channel->item as $item) {
        $posts[(int) $item->children('wp', true)->post_id] = import_item($item, $posts);
    }
    foreach ($channel->item as $item) {
        $wp = $item->children('wp', true);
        $id = $posts[(int) $wp->post_id];
        if ((int) $wp->post_parent) {
            global $wpdb;
            $parent = $posts[(int) $wp->post_parent] ?? (int) $wp->post_parent;
            $wpdb->update($wpdb->posts, ['post_parent' => $parent], ['ID' => $id]);
            clean_post_cache($id);
        }
    }
}

function term_id(string $taxonomy, string $slug, string $name, array $values = []): int
{
    if ($found = term_exists($slug, $taxonomy)) {
        return (int) $found['term_id'];
    }
    $made = wp_insert_term(wp_slash($name), $taxonomy, ['slug' => $slug] + wp_slash($values));
    if (is_wp_error($made)) {
        fwrite(STDERR, "$taxonomy $slug: {$made->get_error_message()}\n");
        return 0;
    }
    return (int) $made['term_id'];
}

function meta_value(SimpleXMLElement $field): mixed
{
    return wp_slash(maybe_unserialize((string) $field->meta_value));
}

function import_item(SimpleXMLElement $item): int
{
    $wp = $item->children('wp', true);
    $author = get_user_by('login', (string) $item->children('dc', true)->creator);
    $values = [
        'import_id' => (int) $wp->post_id,
        'post_author' => $author ? $author->ID : 1,
        'post_content' => (string) $item->children('content', true)->encoded,
        'post_excerpt' => (string) $item->children('excerpt', true)->encoded,
        'post_title' => (string) $item->title,
        'guid' => (string) $item->guid,
        'post_status' => (string) $wp->status,
    ];
    $same = ['post_date', 'post_date_gmt', 'comment_status', 'ping_status', 'post_name', 'post_parent', 'menu_order'];
    foreach ([...$same, 'post_type', 'post_password'] as $name) {
        $values[$name] = (string) $wp->$name;
    }
    $id = wp_insert_post(wp_slash($values), true);
    if (is_wp_error($id)) {
        fwrite(STDERR, "{$wp->post_type} {$wp->post_id}: {$id->get_error_message()}\n");
        return 0;
    }
    if ((string) $wp->is_sticky === '1') {
        stick_post($id);
    }
    $terms = [];
    foreach ($item->category as $category) {
        $taxonomy = (string) $category['domain'];
        $terms[$taxonomy][] = term_id($taxonomy, (string) $category['nicename'], (string) $category);
    }
    foreach ($terms as $taxonomy => $ids) {
        wp_set_object_terms($id, $ids, $taxonomy);
    }
    // The importer leaves these out, because they describe the files and the editors of the other site.
    $skipped = ['_wp_attached_file', '_wp_attachment_metadata', '_edit_lock'];
    foreach ($wp->postmeta as $field) {
        if (!in_array((string) $field->meta_key, $skipped, true)) {
            add_post_meta($id, wp_slash((string) $field->meta_key), meta_value($field));
        }
    }
    $comments = [];
    foreach ($wp->comment as $comment) {
        $row = ['comment_post_ID' => $id, 'comment_parent' => $comments[(int) $comment->comment_parent] ?? 0];
        $same = ['author', 'author_email', 'author_url', 'date', 'date_gmt', 'content', 'approved', 'type'];
        foreach ($same as $name) {
            $row["comment_$name"] = (string) $comment->{"comment_$name"};
        }
        $made = wp_insert_comment(wp_slash($row));
        $comments[(int) $comment->comment_id] = $made;
        foreach ($comment->commentmeta as $field) {
            add_comment_meta($made, wp_slash((string) $field->meta_key), meta_value($field));
        }
    }
    return $id;
}
